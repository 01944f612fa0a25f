/** The path the application is served under, with a slash at its end; the server writes it. */
export const base = (() => {
  const path =
    document.querySelector<HTMLMetaElement>('meta[name="mc-base"]')?.content ?? '/'
  return path.endsWith('/') ? path : `${path}/`
})()

/** Where the API is, without a slash at its end. */
export const apiBase = `${base}api/v1`
