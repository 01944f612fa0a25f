import { defineStore } from 'pinia'
import { computed } from 'vue'
import { answer, api, everyPage, type Once } from '@/api'
import type {
  OrganizationEvent,
  Project,
  ProjectPatch,
  ProjectStage,
  ProjectType,
} from '@/api/types'
import { Collection } from './collection'

/** Events that come in a burst cost one reading of the counts. */
const COUNTS_DELAY = 300

/** The stages of a life, in their order. */
export const stages: ProjectStage[] = [
  'definition',
  'poc',
  'development',
  'testing',
  'adoption',
  'maintenance',
]

/** Where a project may go from a stage: one forward, or any back. */
export function nextStages(stage: ProjectStage): ProjectStage[] {
  const at = stages.indexOf(stage)
  return stages.filter((_, index) => index < at || index === at + 1)
}

/** The projects of the organization; those that are over only where somebody looked at one. */
export const useProjects = defineStore('projects', () => {
  const projects = new Collection<Project>()
  const stale = new Set<string>()
  let slug = ''
  let timer: ReturnType<typeof setTimeout> | undefined

  const current = computed(() =>
    projects
      .all()
      .filter(({ stage }) => stage !== 'end-of-life')
      .sort((a, b) => a.name.localeCompare(b.name)),
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
    if (project) projects.put(project)
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

  /** Reads one project: one that is over, or that changed under somebody's hands. */
  async function fetch(id: string): Promise<Project> {
    const project = await answer(
      api.GET('/orgs/{slug}/projects/{id}', { params: { path: { slug, id } } }),
    )
    projects.put(project)
    return project
  }

  // What follows asks for a change; the project follows when the event of it arrives.

  const path = (id: string) => ({ path: { slug, id } })

  function move(id: string, to_stage: ProjectStage): Promise<Project> {
    return answer(
      api.POST('/orgs/{slug}/projects/{id}/transition', { params: path(id), body: { to_stage } }),
    )
  }

  /** Refused with `STALE_VERSION` when the project is no longer what it was at `version`. */
  function update(id: string, patch: ProjectPatch, version: number): Promise<Project> {
    return answer(
      api.PATCH('/orgs/{slug}/projects/{id}', {
        params: path(id),
        body: patch,
        headers: { 'If-Match': `"${version}"` },
      }),
    )
  }

  async function end(id: string): Promise<void> {
    await answer(api.DELETE('/orgs/{slug}/projects/{id}', { params: path(id) }))
  }

  function addMember(id: string, user_id: string): Promise<Project> {
    return answer(
      api.POST('/orgs/{slug}/projects/{id}/members', {
        params: path(id),
        body: { user_ids: [user_id] },
      }),
    )
  }

  async function removeMember(id: string, other_id: string): Promise<void> {
    await answer(
      api.DELETE('/orgs/{slug}/projects/{id}/members/{other_id}', {
        params: { path: { slug, id, other_id } },
      }),
    )
  }

  const get = (id: string) => projects.get(id)

  return {
    current,
    get,
    load,
    fetch,
    apply,
    create,
    move,
    update,
    end,
    addMember,
    removeMember,
  }
})
