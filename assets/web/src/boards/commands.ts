import { nextTick, reactive, watch } from 'vue'
import { Problem } from '@/api'

/**
 * Changes that were asked for and whose events have not arrived yet, by a name of the caller's.
 *
 * The server's event is the truth: nothing on the page changes before it comes. Meanwhile what was
 * asked shows that it is working, and a second command of the same name is not taken.
 */
export function useCommands(versionOf: (id: string) => number | undefined) {
  const working = reactive(new Set<string>())
  const refusals = reactive(new Map<string, string>())

  /** Waits until the stream has brought `version`; for nobody when the resource has left. */
  function arrived(id: string, version: number): Promise<void> {
    return new Promise((done) => {
      const here = () => (versionOf(id) ?? Infinity) >= version
      if (here()) return done()
      const stop = watch(here, (is) => {
        if (!is) return
        stop()
        done()
      })
    })
  }

  /**
   * Sends a command about resource `id`; `true` when it was done and its event is here. `explain`
   * says why it was refused, or takes care of it and says nothing.
   */
  async function run(
    name: string,
    id: string,
    send: () => Promise<unknown>,
    explain: (problem: Problem) => string | undefined = ({ message }) => message,
  ): Promise<boolean> {
    if (working.has(name)) return false
    working.add(name)
    refusals.delete(name)
    try {
      const answer = await send()
      if (hasVersion(answer)) await arrived(id, answer.version)
      await nextTick()
      return true
    } catch (cause) {
      const refusal = explain(Problem.from(cause))
      if (refusal) refusals.set(name, refusal)
      return false
    } finally {
      working.delete(name)
    }
  }

  return {
    run,
    working: (name: string) => working.has(name),
    refusal: (name: string) => refusals.get(name),
    dismiss: (name: string) => refusals.delete(name),
  }
}

function hasVersion(answer: unknown): answer is { version: number } {
  return typeof answer === 'object' && answer !== null && 'version' in answer
}
