import { computed, type Ref, ref } from 'vue'
import type { Channel } from '@/api/types'
import { useChannels } from '@/stores/channels'
import { useSession } from '@/stores/session'
import { useUsers } from '@/stores/users'

/** Something that what is being typed may become. */
export interface Suggestion {
  /** What stands in the text then. */
  text: string
  label: string
  hint: string
  user?: { id: string; name: string; agent: boolean }
}

const MOST = 8

/** What agents understand; the Comms Bridge answers in the channel. */
const commands = [
  ['status', 'What the agent is doing'],
  ['compact', 'Make the session shorter, keep what matters'],
  ['new', 'Begin a new session'],
  ['stop', 'Stop what the agent is doing'],
  ['model', 'Show or change the model'],
] as const

/** Completes `@` to a member of the channel and `/` at the beginning to a command. */
export function useCompletion(text: Ref<string>, caret: Ref<number>, channel: () => Channel) {
  const session = useSession()
  const users = useUsers()
  const channels = useChannels()
  const active = ref(0)
  /** The beginning that the person wants nothing suggested for. */
  const dismissed = ref<string>()

  const typed = computed(() => {
    const before = text.value.slice(0, caret.value)
    const command = /^\/(\w*)$/.exec(before)
    if (command) return { kind: 'command', at: 0, word: command[1] ?? '' } as const
    const mention = /(?:^|[\s([{'"])@([\w-]*)$/.exec(before)
    if (!mention) return undefined
    const word = mention[1] ?? ''
    return { kind: 'mention', at: caret.value - word.length - 1, word } as const
  })

  const suggestions = computed<Suggestion[]>(() => {
    const wanted = typed.value
    if (!wanted || dismissed.value === beginning()) return []
    const word = wanted.word.toLowerCase()
    return wanted.kind === 'command' ? matchingCommands(word) : matchingUsers(word)
  })

  const beginning = () => `${typed.value?.at}${typed.value?.kind}`

  const matchingCommands = (word: string) =>
    commands
      .filter(([name]) => name.startsWith(word))
      .map(([name, hint]) => ({ text: `/${name} `, label: `/${name}`, hint }))

  const matchingUsers = (word: string) =>
    users.members
      .filter(
        ({ status, id }) =>
          status === 'active' && id !== session.me?.id && channels.admits(channel(), id),
      )
      .filter(
        ({ handle, display_name }) =>
          handle.startsWith(word) ||
          display_name
            .toLowerCase()
            .split(/\s+/)
            .some((name) => name.startsWith(word)),
      )
      .slice(0, MOST)
      .map(({ id, handle, display_name, type }) => ({
        text: `@${handle} `,
        label: `@${handle}`,
        hint: display_name,
        user: { id, name: display_name, agent: type === 'agent' },
      }))

  const current = computed(() => Math.min(active.value, Math.max(0, suggestions.value.length - 1)))

  function move(by: number): void {
    const count = suggestions.value.length
    active.value = (current.value + by + count) % count
  }

  /** Puts a suggestion in the place of what was typed. */
  function accept(suggestion: Suggestion): void {
    const wanted = typed.value
    if (!wanted) return
    const rest = text.value.slice(caret.value).replace(/^ /, '')
    text.value = text.value.slice(0, wanted.at) + suggestion.text + rest
    caret.value = wanted.at + suggestion.text.length
    active.value = 0
  }

  function dismiss(): void {
    dismissed.value = beginning()
  }

  /** Another word is being typed: what was dismissed was the one before. */
  function retype(): void {
    active.value = 0
    if (dismissed.value !== beginning()) dismissed.value = undefined
  }

  return { suggestions, current, move, accept, dismiss, retype }
}
