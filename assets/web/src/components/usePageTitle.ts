import { watchEffect } from 'vue'
import { useOrganization } from '@/stores/organization'

/** Names the page of an organization in the title of the window. */
export function usePageTitle(title: () => string): void {
  const organization = useOrganization()
  watchEffect(() => {
    document.title = [title(), organization.current?.name ?? 'Mission Control'].join(' · ')
  })
}
