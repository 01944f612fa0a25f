import { existsSync, readFileSync } from 'node:fs'
import type { Plugin } from 'vite'

/** The innermost package that a module belongs to, and its folder. */
const PACKAGE = /^(.*\/node_modules\/((?:@[^/]+\/)?[^/]+))\//

/**
 * Ships the licence texts of everything the pages carry, as `assets/licences.txt`: what
 * `package.json` names, and what came along with it into the scripts.
 */
export function licences(): Plugin {
  let root = ''
  return {
    name: 'licences',
    apply: 'build',
    configResolved(config) {
      root = config.root
    },
    generateBundle(_, bundle) {
      const { dependencies } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8'))
      const folders = new Map(
        Object.keys(dependencies).map((name) => [name, `${root}/node_modules/${name}`]),
      )
      for (const output of Object.values(bundle)) {
        for (const id of output.type === 'chunk' ? Object.keys(output.modules) : []) {
          const [, folder, name] = PACKAGE.exec(id) ?? []
          if (folder && name) folders.set(name, folder)
        }
      }
      const texts = [...folders].map(([name, folder]) => {
        const file = ['LICENSE', 'LICENSE.md', 'license']
          .map((file) => `${folder}/${file}`)
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
