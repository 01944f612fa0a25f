import { apiBase } from '@/base'
import { createApi } from './client'

type Listener = () => void
let signedOut: Listener = () => {}

/** Names what happens when a session ends and cannot be renewed. */
export function whenSignedOut(listener: Listener): void {
  signedOut = listener
}

export const api = createApi({
  baseUrl: new URL(apiBase, location.origin).href,
  fetch: (request) => fetch(request),
  cookies: () => document.cookie,
  onSignedOut: () => signedOut(),
})

export { answer, everyPage } from './client'
export { type Once, once, randomKey } from './once'
export { asSentence, Problem } from './problem'
