import { defineStore } from 'pinia'
import { ref, watchEffect } from 'vue'

export const themes = ['system', 'light', 'dark'] as const
export type Theme = (typeof themes)[number]

const KEY = 'mc-theme'

/** Light or dark: the system's choice until the person makes their own. */
export const useTheme = defineStore('theme', () => {
  const stored = localStorage.getItem(KEY)
  const theme = ref<Theme>(themes.find((known) => known === stored) ?? 'system')

  watchEffect(() => {
    if (theme.value === 'system') {
      localStorage.removeItem(KEY)
      delete document.documentElement.dataset.theme
    } else {
      localStorage.setItem(KEY, theme.value)
      document.documentElement.dataset.theme = theme.value
    }
  })

  return { theme }
})
