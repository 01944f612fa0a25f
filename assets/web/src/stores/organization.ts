import { defineStore } from 'pinia'
import { ref } from 'vue'
import { answer, api } from '@/api'
import type { Organization, OrganizationEvent } from '@/api/types'

/** The organization that is on screen. */
export const useOrganization = defineStore('organization', () => {
  const current = ref<Organization>()

  /** Reads it; the answer is where its event log stands, as the cursor of the stream. */
  async function load(slug: string): Promise<string> {
    if (current.value?.slug !== slug) current.value = undefined
    current.value = await answer(api.GET('/orgs/{slug}', { params: { path: { slug } } }))
    return `${current.value.log_epoch}.${current.value.sequence_id}`
  }

  function apply({ payload }: OrganizationEvent): void {
    if (current.value && payload.org) Object.assign(current.value, payload.org)
  }

  return { current, load, apply }
})
