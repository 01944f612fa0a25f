import { computed, shallowRef } from 'vue'
import {
  loadRouteLocation,
  type RouteLocationNormalizedLoaded,
  type RouteLocationRaw,
  useRoute,
  useRouter,
} from 'vue-router'
import { narrow } from '@/narrow'

/** The page that a task lies over, as the history keeps it. */
function over(): string | undefined {
  const page: unknown = history.state?.over
  return typeof page === 'string' ? page : undefined
}

/**
 * Links to a task. It opens over the page that one is on, and the page stays; in a new tab, or by
 * its address, it is a page of its own.
 */
export function useTaskLink() {
  const route = useRoute()
  return (id: string): RouteLocationRaw => {
    const page = route.name === 'task' ? over() : route.fullPath
    return {
      name: 'task',
      params: { org: String(route.params.org), id },
      ...(page === undefined ? {} : { state: { over: page } }),
    }
  }
}

/** The page below the task that is open over it, if there is one; on a phone there never is. */
export function usePageBelow() {
  const route = useRoute()
  const router = useRouter()
  const loads = shallowRef(0)

  return computed((): RouteLocationNormalizedLoaded | undefined => {
    // The history is not reactive; it changes with the address. So does what has been loaded.
    void route.fullPath
    void loads.value
    const path = over()
    if (route.name !== 'task' || path === undefined || narrow.value) return undefined
    const page = router.resolve(path)
    if (page.name === 'task') return undefined
    if (isLoaded(page)) return page as RouteLocationNormalizedLoaded
    void loadRouteLocation(page).then(() => (loads.value += 1))
    return undefined
  })
}

/** Whether the pages of a route are here: before, they are functions that would load them. */
function isLoaded({ matched }: ReturnType<ReturnType<typeof useRouter>['resolve']>): boolean {
  return matched.every(({ components = {} }) =>
    Object.values(components ?? {}).every((component) => typeof component !== 'function'),
  )
}
