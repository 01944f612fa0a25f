import { nextTick, type Ref, ref, watch } from 'vue'
import { Problem } from '@/api'
import type { Message } from '@/api/types'
import { useMessages } from '@/stores/messages'
import { useOutbox } from '@/stores/outbox'
import { useSession } from '@/stores/session'

/**
 * Editing a sent message in the composer. The draft of the channel comes back afterwards. An edit
 * that is cancelled is kept for this message until it is saved or discarded.
 */
export function useEditing(
  channel: () => string,
  editing: Ref<Message | undefined>,
  text: Ref<string>,
) {
  const outbox = useOutbox()
  const messages = useMessages()
  const session = useSession()
  const busy = ref(false)
  const alert = ref('')
  /** The message whose unsaved edit was kept. */
  const kept = ref<Message>()

  watch(editing, (message) => {
    alert.value = ''
    if (message) kept.value = undefined
    text.value = message
      ? (outbox.edits.get(message.id) ?? message.content)
      : (outbox.drafts.get(channel()) ?? '')
  })
  watch(text, (now) => {
    const message = editing.value
    if (!message) outbox.drafts.set(channel(), now)
    else if (now.trim() === message.content) outbox.edits.delete(message.id)
    else outbox.edits.set(message.id, now)
  })

  /** Starts to edit the person's newest message here; `false` when there is none. */
  function editLast(): boolean {
    const me = session.me?.id
    const last = messages
      .of(channel())
      ?.messages.findLast(({ sender, deleted_at }) => sender.id === me && !deleted_at)
    if (last) editing.value = last
    return last !== undefined
  }

  async function cancel(): Promise<void> {
    const message = editing.value
    // What was typed last is noted first.
    await nextTick()
    editing.value = undefined
    if (message && outbox.edits.has(message.id)) kept.value = message
  }

  function discard(): void {
    if (kept.value) outbox.edits.delete(kept.value.id)
    kept.value = undefined
  }

  async function save(): Promise<void> {
    const message = editing.value
    const content = text.value.trim()
    if (!message || busy.value) return
    busy.value = true
    alert.value = ''
    try {
      if (content !== message.content) await messages.edit(message, content)
      outbox.edits.delete(message.id)
      if (editing.value === message) editing.value = undefined
    } catch (cause) {
      const { fields, message: reason } = Problem.from(cause)
      alert.value = Object.values(fields)[0] ?? reason
    } finally {
      busy.value = false
    }
  }

  return { busy, alert, kept, editLast, cancel, discard, save }
}
