import { defineStore } from 'pinia'
import { reactive } from 'vue'
import { api } from '@/api'
import type { Moment, OrganizationEvent } from '@/api/types'
import { useSession } from './session'

/** How long somebody is shown to be typing after they were last seen to. */
const SHOWN = 5_000
/** How often the server is told that the person is typing. */
const TOLD_EVERY = 3_000

/** Who is writing in which channel at this moment. */
export const useTyping = defineStore('typing', () => {
  const session = useSession()
  const typing = reactive(new Map<string, Map<string, ReturnType<typeof setTimeout>>>())
  let slug = ''
  let told = { channel: '', at: 0 }

  async function load(of: string): Promise<void> {
    slug = of
    for (const users of typing.values()) users.forEach(clearTimeout)
    typing.clear()
  }

  function see(moment: Moment): void {
    if (moment.type !== 'typing' || moment.user_id === session.me?.id) return
    const { channel_id, user_id } = moment
    stop(channel_id, user_id)
    const timer = setTimeout(() => stop(channel_id, user_id), SHOWN)
    const users = typing.get(channel_id)
    if (users) users.set(user_id, timer)
    else typing.set(channel_id, new Map([[user_id, timer]]))
  }

  function stop(channelId: string, userId: string): void {
    const users = typing.get(channelId)
    clearTimeout(users?.get(userId))
    users?.delete(userId)
  }

  /** Whose message is there is no longer writing it. */
  function apply({ type, payload: { message } }: OrganizationEvent): void {
    if (type === 'message.created' && message?.sender) stop(message.channel_id, message.sender.id)
  }

  const inChannel = (id: string) => [...(typing.get(id)?.keys() ?? [])]

  /** Tells the others, now and then, that the person is typing. */
  function tell(id: string): void {
    if (told.channel === id && Date.now() - told.at < TOLD_EVERY) return
    told = { channel: id, at: Date.now() }
    // Nothing depends on it.
    api
      .POST('/orgs/{slug}/channels/{id}/typing', { params: { path: { slug, id } } })
      .catch(() => undefined)
  }

  /** What they typed is sent: the next letter is news again. */
  function sent(): void {
    told = { channel: '', at: 0 }
  }

  return { inChannel, load, apply, see, tell, sent }
})
