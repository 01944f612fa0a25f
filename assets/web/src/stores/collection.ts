import { reactive } from 'vue'

interface Resource {
  id: string
  version: number
}

/**
 * Resources of one kind by their id.
 *
 * The stream starts where the log stood before the lists were read, so it repeats changes that the
 * lists already hold: an older version never replaces or removes a newer one.
 */
export class Collection<Item extends Resource> {
  readonly #items = reactive(new Map<string, Item>()) as Map<string, Item>

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

  /** Keeps what the caller alone sees and events leave out. */
  put(item: Item): void {
    const known = this.#items.get(item.id)
    if (known && known.version > item.version) return
    this.#items.set(item.id, { ...known, ...item })
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
