import { onScopeDispose, ref, watch } from 'vue'
import type { LocationQuery } from 'vue-router'
import { useRouter } from 'vue-router'
import { fromQuery, type TaskFilters, toQuery } from './filters'

/** Browsers count how often an address changes; somebody who types changes it once. */
const DELAY = 250

/** Filters that stand in the address of the page: they work at once, and the address follows. */
export function useFilters(page: () => { name: string; params: { org: string; id?: string }; query: LocationQuery }) {
  const router = useRouter()
  const filters = ref<TaskFilters>(fromQuery(page().query))
  let timer: ReturnType<typeof setTimeout> | undefined

  function write() {
    const { name, params } = page()
    void router.replace({ name, params, query: toQuery(filters.value), state: { stay: true } })
  }

  watch(filters, (now) => {
    clearTimeout(timer)
    if (!same(now, fromQuery(page().query))) timer = setTimeout(write, DELAY)
  })
  watch(
    () => page().query,
    (query) => {
      clearTimeout(timer)
      const wanted = fromQuery(query)
      if (!same(wanted, filters.value)) filters.value = wanted
    },
  )
  onScopeDispose(() => clearTimeout(timer))

  return filters
}

function same(one: TaskFilters, other: TaskFilters): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}
