import { gzipSync } from 'node:zlib'
import type { Plugin, Rolldown } from 'vite'

interface Budget {
  /** The HTML entry whose scripts are counted. */
  page: string
  /** Lazily loaded views that every first load has as well. */
  shell: string
  /** The views of which one is loaded first; each is counted by itself. */
  routes: string[]
  /** Compressed bytes of JavaScript. */
  maximum: number
}

/** Prints the JavaScript of the first load of each route, and fails the build when one is over its maximum. */
export function budget({ page, shell, routes, maximum }: Budget): Plugin {
  return {
    name: 'first-load-budget',
    apply: 'build',
    writeBundle(_, bundle) {
      const chunks = Object.values(bundle).filter((output) => output.type === 'chunk')
      for (const route of routes) {
        const load = new Set<Rolldown.OutputChunk>()
        const add = (chunk: Rolldown.OutputChunk) => {
          load.add(chunk)
          for (const name of chunk.imports) {
            const next = chunks.find((other) => other.fileName === name)
            if (next && !load.has(next)) add(next)
          }
        }
        for (const wanted of [page, shell, route]) {
          const root = chunks.find((chunk) => chunk.facadeModuleId?.endsWith(`/${wanted}`))
          if (!root) return this.error(`first load: nothing was built from \`${wanted}\``)
          add(root)
        }
        const bytes = [...load].reduce((sum, chunk) => sum + gzipSync(chunk.code).length, 0)
        const summary = `first load of ${route}: ${kib(bytes)} of gzipped JavaScript in ${load.size} files`
        if (bytes > maximum) this.error(`${summary}, more than the ${kib(maximum)} it may be`)
        console.log(summary)
      }
    },
  }
}

function kib(bytes: number): string {
  return `${(bytes / 1024).toFixed(1)} KiB`
}
