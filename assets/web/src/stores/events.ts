import { defineStore } from 'pinia'
import { ref } from 'vue'
import { answer, api } from '@/api'
import type { EventPage, OrganizationEvent } from '@/api/types'

/** What the feed shows at most; the whole log is a page of its own. */
const KEPT = 100
const FIRST_READ = 50

/** The newest events of the organization, newest first. */
export const useEvents = defineStore('events', () => {
  const newest = ref<OrganizationEvent[]>([])

  async function load(slug: string): Promise<void> {
    const page = await answer(
      api.GET('/orgs/{slug}/events', { params: { path: { slug }, query: { limit: FIRST_READ } } }),
    )
    // The same address answers with CSV when it is asked to.
    newest.value = (page as EventPage).data
  }

  function apply(event: OrganizationEvent): void {
    const last = newest.value[0]?.sequence_id ?? 0
    if (event.sequence_id <= last) return
    newest.value = [event, ...newest.value].slice(0, KEPT)
  }

  return { newest, load, apply }
})
