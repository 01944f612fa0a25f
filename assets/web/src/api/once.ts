/** The headers of a POST that must make one thing however often it is sent. */
export type Once = (body: unknown) => Record<string, string>

/**
 * Keys for the POSTs of one form: the same body has the same key, so that sending it again, when
 * the answer was lost, makes nothing twice. Another body is another request.
 */
export function once(): Once {
  let sent = ''
  let key = ''
  return (body) => {
    const text = JSON.stringify(body)
    if (text !== sent) {
      sent = text
      key = randomKey()
    }
    return { 'Idempotency-Key': key }
  }
}

/** `crypto.randomUUID` is not there over plain HTTP, as in many home networks. */
export function randomKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('')
}
