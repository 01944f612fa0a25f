import { onUnmounted, ref } from 'vue'

/** Whether somebody looks at the page. */
export function useWatching() {
  const now = () => document.visibilityState === 'visible' && document.hasFocus()
  const watching = ref(now())
  const look = () => (watching.value = now())
  document.addEventListener('visibilitychange', look)
  addEventListener('focus', look)
  addEventListener('blur', look)
  onUnmounted(() => {
    document.removeEventListener('visibilitychange', look)
    removeEventListener('focus', look)
    removeEventListener('blur', look)
  })
  return watching
}
