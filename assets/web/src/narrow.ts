import { readonly, ref } from 'vue'

const query = matchMedia('(width < 768px)')
const matches = ref(query.matches)
query.addEventListener('change', () => (matches.value = query.matches))

/** Whether the window is a phone's: one column at a time. */
export const narrow = readonly(matches)
