import { shallowReactive } from 'vue'

interface Resource {
  id: string
  version: number
}

/**
 * Resources of one kind by their id. They are replaced, never changed in place.
 *
 * The stream starts where the log stood before the lists were read, so it repeats changes that the
 * lists already hold: an older version never replaces or removes a newer one.
 */
export class Collection<Item extends Resource> {
  readonly #items = shallowReactive(new Map<string, Item>())

  get(id: string): Item | undefined {
    return this.#items.get(id)
  }

  all(): Item[] {
    return [...this.#items.values()]
  }

  replaceAll(items: Item[]): void {
    this.#items.clear()
    for (const item of items) this.#items.set(item.id, item)
  }

  /** Keeps what the caller alone sees and events leave out; `false` when a newer one is known. */
  put(item: Item): boolean {
    const known = this.#items.get(item.id)
    if (known && known.version > item.version) return false
    this.#items.set(item.id, { ...known, ...item })
    return true
  }

  /** Changes what a resource says of others, which its version does not count. */
  amend(id: string, change: (item: Item) => Partial<Item>): void {
    const known = this.#items.get(id)
    if (known) this.#items.set(id, { ...known, ...change(known) })
  }

  /** Whoever looks may no longer see it. */
  forget(id: string): void {
    this.#items.delete(id)
  }

  remove(item: Item): void {
    const known = this.#items.get(item.id)
    if (known && known.version <= item.version) this.#items.delete(item.id)
  }
}
