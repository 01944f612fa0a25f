import { defineStore } from 'pinia'
import { ref, watch } from 'vue'
import type { OrganizationEvent } from '@/api/types'
import { useChannels } from './channels'
import { useMessages } from './messages'
import { useSession } from './session'

/** Somebody mentions the person in a channel that is not on screen. */
export interface Toast {
  id: string
  channel_id: string
  sender: { id: string; display_name: string; agent: boolean }
  content: string
}

const AT_ONCE = 3
const SHOWN = 8_000

/** What is shown for a moment, wherever the person is. */
export const useToasts = defineStore('toasts', () => {
  const session = useSession()
  const messages = useMessages()
  const channels = useChannels()
  const shown = ref<Toast[]>([])
  const timers = new Map<string, ReturnType<typeof setTimeout>>()

  async function load(): Promise<void> {
    shown.value.forEach(({ id }) => dismiss(id))
  }

  // Whoever looks at the channel needs no telling.
  watch(
    () => messages.current,
    (channel) => {
      for (const { id, channel_id } of shown.value) if (channel_id === channel) dismiss(id)
    },
  )

  function apply({ type, payload: { message, user_id } }: OrganizationEvent): void {
    if (type !== 'mention.created' || user_id !== session.me?.id || !message?.sender) return
    if (message.deleted_at || channels.get(message.channel_id)?.notify === 'none') return
    if (messages.current === message.channel_id && document.visibilityState === 'visible') return
    const { id, channel_id, sender, content = '' } = message
    const { display_name } = sender
    const toast = {
      id,
      channel_id,
      sender: { id: sender.id, display_name, agent: sender.type === 'agent' },
      content,
    }
    shown.value.push(toast)
    for (const { id } of shown.value.slice(0, -AT_ONCE)) dismiss(id)
    resume(id)
  }

  function dismiss(id: string): void {
    pause(id)
    shown.value = shown.value.filter((toast) => toast.id !== id)
  }

  /** Whoever reads it has the time they need. */
  function pause(id: string): void {
    clearTimeout(timers.get(id))
    timers.delete(id)
  }

  function resume(id: string): void {
    pause(id)
    timers.set(
      id,
      setTimeout(() => dismiss(id), SHOWN),
    )
  }

  return { shown, load, apply, dismiss, pause, resume }
})
