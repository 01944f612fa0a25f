import { defineStore } from 'pinia'
import { computed } from 'vue'
import { answer, api, everyPage, type Once } from '@/api'
import type { OrganizationEvent, Project, ProjectType } from '@/api/types'
import { Collection } from './collection'

/** Events that come in a burst cost one reading of the counts. */
const COUNTS_DELAY = 300

/** The projects that are not over yet. */
export const useProjects = defineStore('projects', () => {
  const projects = new Collection<Project>()
  const stale = new Set<string>()
  let slug = ''
  let timer: ReturnType<typeof setTimeout> | undefined

  const current = computed(() =>
    projects.all().sort((a, b) => a.name.localeCompare(b.name)),
  )

  async function load(of: string): Promise<void> {
    slug = of
    projects.replaceAll(
      await everyPage((page) =>
        api.GET('/orgs/{slug}/projects', {
          params: { path: { slug }, query: { page, per_page: 100 } },
        }),
      ),
    )
  }

  function apply({ type, payload, project_ids }: OrganizationEvent): void {
    const { project } = payload
    if (project?.stage === 'end-of-life') projects.remove(project)
    else if (project) projects.put(project)
    if (type.startsWith('task.')) project_ids.forEach(countAgain)
  }

  /** Counts belong to no single task event, so they are read again where one may have changed them. */
  function countAgain(id: string): void {
    stale.add(id)
    timer ??= setTimeout(() => {
      timer = undefined
      const ids = [...stale]
      stale.clear()
      for (const id of ids) void refresh(id)
    }, COUNTS_DELAY)
  }

  async function refresh(id: string): Promise<void> {
    if (!projects.get(id)) return
    const { data } = await api.GET('/orgs/{slug}/projects/{id}', {
      params: { path: { slug, id } },
    })
    if (data) projects.put(data)
  }

  async function create(
    of: string,
    project: { name: string; type: ProjectType; description: string },
    once: Once,
  ): Promise<void> {
    await answer(
      api.POST('/orgs/{slug}/projects', {
        params: { path: { slug: of } },
        body: project,
        headers: once(project),
      }),
    )
  }

  const get = (id: string) => projects.get(id)

  return { current, get, load, apply, create }
})
