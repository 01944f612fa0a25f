import {
  createRouter,
  createWebHistory,
  type RouteLocationNormalized,
  type RouteRecordRaw,
} from 'vue-router'
import { base } from './base'
import { useSession } from './stores/session'
import StartView from './views/StartView.vue'

declare module 'vue-router' {
  interface RouteMeta {
    title?: string
    /** Only for people who are signed in. */
    private?: true
    /** On a phone nothing but this page is on screen. */
    fullScreen?: true
  }
}

/** A page of an organization. */
function page(path: string, name: string, component: () => Promise<unknown>) {
  return { path, name, component, props: true } as RouteRecordRaw
}

/** A page with a board, whose filters stand in the address. */
function board(path: string, name: string, component: () => Promise<unknown>) {
  // What a page is asked for comes as a property: it may lie below another one, whose address it is then.
  const props = ({ params, query }: RouteLocationNormalized) => ({ ...params, query })
  return { path, name, component, props } as RouteRecordRaw
}

export const router = createRouter({
  history: createWebHistory(base),
  scrollBehavior: (to, from, saved) => {
    // Where a task opens over a page, or leaves it, and where filters change, the page stays.
    if (history.state?.over || history.state?.stay) return false
    if (saved) return saved
    return to.path === from.path ? false : { top: 0 }
  },
  routes: [
    { path: '/', name: 'start', component: StartView },
    {
      path: '/setup',
      name: 'setup',
      component: () => import('./views/SetupView.vue'),
      meta: { title: 'Set up' },
    },
    {
      path: '/login',
      name: 'login',
      component: () => import('./views/LoginView.vue'),
      meta: { title: 'Sign in' },
    },
    {
      path: '/invite',
      name: 'invite',
      component: () => import('./views/InviteView.vue'),
      meta: { title: 'Invitation' },
    },
    {
      path: '/reset',
      name: 'reset',
      component: () => import('./views/ResetView.vue'),
      meta: { title: 'New password' },
    },
    {
      path: '/o/:org',
      component: () => import('./shell/OrganizationShell.vue'),
      props: true,
      meta: { private: true },
      children: [
        { path: '', name: 'organization', redirect: { name: 'projects' } },
        page('projects', 'projects', () => import('./views/ProjectsView.vue')),
        board('projects/:id', 'project', () => import('./views/ProjectView.vue')),
        board('tasks', 'tasks', () => import('./views/TasksView.vue')),
        page('tasks/:id', 'task', () => import('./views/TaskView.vue')),
        page('channels', 'channels', () => import('./views/ChannelsView.vue')),
        {
          ...page('channels/:id', 'channel', () => import('./views/ChannelView.vue')),
          meta: { fullScreen: true },
        },
        page('agents', 'agents', () => import('./views/AgentsView.vue')),
        page('members', 'members', () => import('./views/MembersView.vue')),
        page('events', 'events', () => import('./views/EventsView.vue')),
      ],
    },
    {
      path: '/:path(.*)',
      component: () => import('./views/NotFoundView.vue'),
      meta: { title: 'Not found' },
    },
  ],
})

router.beforeEach((to) => {
  if (!to.meta.private || useSession().me) return true
  return { name: 'start', query: { return_to: to.fullPath }, replace: true }
})

router.afterEach((to) => {
  // The pages of an organization name themselves.
  if (!to.meta.private) document.title = to.meta.title ? `${to.meta.title} · Mission Control` : 'Mission Control'
})

/** Where to go after signing in: a page of ours that the person wanted, else the start. */
export function wanted(returnTo: unknown): string {
  if (typeof returnTo !== 'string' || !/^\/(?![/\\])/.test(returnTo)) return '/'
  return returnTo
}
