import { fileURLToPath } from 'node:url'
import tailwindcss from '@tailwindcss/vite'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vitest/config'
import { budget } from './build/budget.ts'
import { licences } from './build/licences.ts'
import { precompress } from './build/precompress.ts'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  // Every reference in the HTML stays `="./…"`: the server puts its path prefix there when it runs.
  base: './',
  plugins: [
    vue(),
    tailwindcss(),
    licences(),
    budget({
      page: 'index.html',
      shell: 'OrganizationShell.vue',
      routes: ['ChannelView.vue', 'ProjectsView.vue', 'ProjectView.vue', 'TasksView.vue', 'AgentsView.vue'],
      maximum: 150 * 1024,
    }),
    precompress(),
  ],
  resolve: { alias: { '@': here('./src') } },
  build: {
    // The content security policy allows no `data:` fonts or scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // The first browsers that know `light-dark()`, which every colour is made with.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    rolldownOptions: { input: { app: here('./index.html'), docs: here('./docs.html') } },
  },
  server: { proxy: { '/api/v1': 'http://127.0.0.1:8420' } },
  test: { environment: 'happy-dom', include: ['tests/**/*.test.ts'], restoreMocks: true },
})
