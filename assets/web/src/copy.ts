/**
 * Copies what stands in a field and leaves it selected.
 *
 * Over plain HTTP, as in many home networks, browsers offer no clipboard interface; the older
 * command works there.
 */
export async function copyFrom(field: HTMLTextAreaElement): Promise<boolean> {
  field.select()
  const written = await navigator.clipboard?.writeText(field.value).then(
    () => true,
    () => false,
  )
  return written || document.execCommand('copy')
}
