import { computed, ref, shallowRef, watch } from 'vue'
import { Problem } from '@/api'
import type { OrganizationEvent } from '@/api/types'
import { useLive } from '@/stores/live'

interface Page<Entry, Cursor> {
  data: Entry[]
  next_cursor?: Cursor | null
}

/**
 * A part of what happened, newest first: read page by page going back, and kept up by the stream.
 *
 * `of` names whose it is; another name, or a stream that had to begin anew, reads it afresh. `hear`
 * makes an entry of an event that belongs here; one with a known id takes the place of the old one.
 */
export function useTimeline<Entry extends { id: string }, Cursor>({
  of,
  read,
  hear,
}: {
  of: () => string
  read: (before: Cursor | undefined) => Promise<Page<Entry, Cursor>>
  hear: (event: OrganizationEvent) => Entry | undefined
}) {
  const live = useLive()
  const entries = shallowRef<Entry[]>([])
  const state = ref<'reading' | 'here' | Problem>('reading')
  const next = shallowRef<Cursor | null>()
  let reading = 0

  async function begin(): Promise<void> {
    entries.value = []
    next.value = undefined
    await earlier()
  }

  /** Reads the next page going back. */
  async function earlier(): Promise<void> {
    const mine = ++reading
    state.value = 'reading'
    try {
      const page = await read(next.value ?? undefined)
      if (mine !== reading) return
      const known = new Set(entries.value.map(({ id }) => id))
      entries.value = [...entries.value, ...page.data.filter(({ id }) => !known.has(id))]
      next.value = page.next_cursor ?? null
      state.value = 'here'
    } catch (cause) {
      if (mine === reading) state.value = Problem.from(cause)
    }
  }

  live.listen((event) => {
    const entry = hear(event)
    if (!entry) return
    const at = entries.value.findIndex(({ id }) => id === entry.id)
    entries.value = at < 0 ? [entry, ...entries.value] : entries.value.with(at, entry)
  })
  watch([of, () => live.readings], begin, { immediate: true })

  return {
    entries,
    reading: computed(() => state.value === 'reading'),
    problem: computed(() => (typeof state.value === 'string' ? undefined : state.value)),
    more: computed(() => next.value !== null && next.value !== undefined),
    earlier,
  }
}
