import { defineStore } from 'pinia'
import { ref } from 'vue'
import { answer, api, Problem } from '@/api'
import type { Me, Providers } from '@/api/types'

/** What the first administrator says of themselves and their organization. */
export interface Setup {
  token: string
  org_name: string
  org_slug: string
  display_name: string
  email: string
  password: string
}

/** Who is signed in, and every way in and out. */
export const useSession = defineStore('session', () => {
  const me = ref<Me>()
  const providers = ref<Providers>()
  /** Signing out: that the session ends is no news then. */
  const leaving = ref(false)

  /** Who is signed in by the cookie that the browser has; nobody when there is none. */
  async function load(): Promise<Me | undefined> {
    try {
      me.value = await answer(api.GET('/auth/me'))
    } catch (cause) {
      if (!(cause instanceof Problem) || cause.status !== 401) throw cause
      me.value = undefined
    }
    return me.value
  }

  async function loadProviders(): Promise<Providers> {
    providers.value = await answer(api.GET('/auth/providers'))
    return providers.value
  }

  async function setUp(setup: Setup): Promise<void> {
    await answer(api.POST('/auth/setup', { body: setup }))
    providers.value = undefined
    await load()
  }

  async function signIn(email: string, password: string): Promise<void> {
    await answer(api.POST('/auth/login', { body: { email, password } }))
    await load()
  }

  /** With a name and a password, or as who is signed in. Gives the organization that they are in now. */
  async function acceptInvitation(
    token: string,
    person?: { display_name: string; password: string },
  ): Promise<string | undefined> {
    const { active_org } = await answer(
      api.POST('/auth/invite/accept', { body: { token, ...person } }),
    )
    await load()
    return active_org ?? undefined
  }

  /** Sets a new password by a link; every session of the person ends. */
  async function resetPassword(token: string, password: string): Promise<void> {
    await answer(api.POST('/auth/password-reset/confirm', { body: { token, password } }))
    me.value = undefined
  }

  async function signOut(): Promise<void> {
    leaving.value = true
    try {
      await answer(api.POST('/auth/logout'))
      me.value = undefined
    } finally {
      leaving.value = false
    }
  }

  /** The session ended without the person's doing. */
  function forget(): void {
    me.value = undefined
  }

  return {
    me,
    providers,
    leaving,
    load,
    loadProviders,
    setUp,
    signIn,
    acceptInvitation,
    resetPassword,
    signOut,
    forget,
  }
})
