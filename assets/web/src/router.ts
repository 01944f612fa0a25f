import { createRouter, createWebHistory } from 'vue-router'
import { base } from './base'
import { useSession } from './stores/session'
import StartView from './views/StartView.vue'

declare module 'vue-router' {
  interface RouteMeta {
    title?: string
    /** Only for people who are signed in. */
    private?: true
  }
}

export const router = createRouter({
  history: createWebHistory(base),
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
      name: 'home',
      component: () => import('./views/HomeView.vue'),
      props: true,
      meta: { private: true },
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
  document.title = to.meta.title ? `${to.meta.title} · Mission Control` : 'Mission Control'
})

/** Where to go after signing in: a page of ours that the person wanted, else the start. */
export function wanted(returnTo: unknown): string {
  if (typeof returnTo !== 'string' || !/^\/(?![/\\])/.test(returnTo)) return '/'
  return returnTo
}
