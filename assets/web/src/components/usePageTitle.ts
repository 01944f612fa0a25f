import { watchEffect } from 'vue'
import { useChannels } from '@/stores/channels'
import { useOrganization } from '@/stores/organization'

/** Names the page of an organization in the title of the window, after how much is unread. */
export function usePageTitle(title: () => string): void {
  const organization = useOrganization()
  const channels = useChannels()
  watchEffect(() => {
    const unread = channels.unread > 0 ? `(${channels.unread}) ` : ''
    const name = organization.current?.name ?? 'Mission Control'
    document.title = `${unread}${title()} · ${name}`
  })
}
