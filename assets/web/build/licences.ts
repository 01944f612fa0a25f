import { existsSync, readFileSync } from 'node:fs'
import type { Plugin } from 'vite'

/** Ships the licence texts of everything the pages carry, as `assets/licences.txt`. */
export function licences(): Plugin {
  let root = ''
  return {
    name: 'licences',
    apply: 'build',
    configResolved(config) {
      root = config.root
    },
    generateBundle() {
      const { dependencies } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8'))
      const texts = Object.keys(dependencies).map((name) => {
        const file = ['LICENSE', 'LICENSE.md']
          .map((file) => `${root}/node_modules/${name}/${file}`)
          .find(existsSync)
        if (!file) return this.error(`\`${name}\` has no licence text`)
        return `${name}\n\n${readFileSync(file, 'utf8').trim()}\n`
      })
      this.emitFile({
        type: 'asset',
        fileName: 'assets/licences.txt',
        source: texts.join(`\n${'-'.repeat(80)}\n\n`),
      })
    },
  }
}
