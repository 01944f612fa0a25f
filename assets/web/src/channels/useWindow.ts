import { computed, nextTick, onMounted, onUnmounted, type Ref, ref, watch } from 'vue'
import type { Message } from '@/api/types'

/** How many messages are in the page at most, however many are known. */
const LARGEST = 150
/** How many come and go at a time. */
const STEP = 50
/** How near an end has to be before more is shown, and how near counts as being there. */
const NEAR = 600
const THERE = 40

interface Options {
  scroller: Ref<HTMLElement | null>
  content: Ref<HTMLElement | null>
  messages: () => readonly Message[]
  /** Reads what was said before the first that is known. */
  older: () => void
}

/**
 * The part of a long conversation that is in the page: a window over its messages that moves with
 * the reader. What they look at stays in its place when something comes above it; at the end they
 * stay at the end.
 */
export function useWindow({ scroller, content, messages, older }: Options) {
  const start = ref(0)
  const end = ref(0)
  const atEnd = ref(true)
  const whole = computed(() => end.value >= messages().length)
  let first: string | undefined
  let lastTop = 0

  // Before the page changes, so that what is seen now can be held in its place.
  watch(
    () => [messages(), messages().length] as const,
    ([known, length], old) => {
      const followed = end.value >= (old?.[1] ?? 0)
      const before = first === undefined ? -1 : known.findIndex(({ id }) => id === first)
      first = known[0]?.id
      if (before < 0) return begin(length)
      if (before > 0) return open(before, length)
      if (followed) end.value = length
      if (atEnd.value) start.value = Math.max(start.value, length - LARGEST)
    },
    { immediate: true, flush: 'sync' },
  )

  /** Something came above: the part of it that is next is shown at once. */
  function open(before: number, length: number): void {
    hold()
    const next = start.value + before - Math.min(before, STEP)
    start.value = atEnd.value ? Math.max(next, length - LARGEST) : next
    end.value = Math.min(end.value + before, start.value + LARGEST)
  }

  function begin(length: number): void {
    end.value = length
    start.value = Math.max(0, length - STEP)
    atEnd.value = true
  }

  /** Keeps what is seen where it is, over the next change of the page. */
  function hold(): void {
    const box = scroller.value
    if (!box) return
    const { top } = box.getBoundingClientRect()
    const seen = [...(content.value?.querySelectorAll('[data-message]') ?? [])].find(
      (row) => row.getBoundingClientRect().bottom > top,
    )
    const place = seen?.getBoundingClientRect().top ?? 0
    void nextTick(() => {
      if (seen?.isConnected) box.scrollTop += seen.getBoundingClientRect().top - place
    })
  }

  function scrolled(): void {
    const box = scroller.value
    if (!box) return
    const below = box.scrollHeight - box.clientHeight - box.scrollTop
    // What comes below moves nobody away from the end; they leave it by scrolling up.
    if (whole.value && below < THERE) atEnd.value = true
    else if (!whole.value || box.scrollTop < lastTop) atEnd.value = false
    lastTop = box.scrollTop
    if (box.scrollTop < NEAR) moveUp()
    else if (below < NEAR && !whole.value) moveDown()
  }

  function moveUp(): void {
    if (start.value === 0) return older()
    hold()
    start.value = Math.max(0, start.value - STEP)
    end.value = Math.min(end.value, start.value + LARGEST)
  }

  function moveDown(): void {
    hold()
    end.value = Math.min(messages().length, end.value + STEP)
    start.value = Math.max(start.value, end.value - LARGEST)
  }

  function toEnd(): void {
    begin(messages().length)
    void nextTick(stay)
  }

  /** Brings a message that is known into the page. */
  async function toMessage(id: string): Promise<HTMLElement | undefined> {
    const index = messages().findIndex((message) => message.id === id)
    if (index < 0) return undefined
    atEnd.value = false
    if (index < start.value || index >= end.value) {
      start.value = Math.max(0, index - STEP)
      end.value = Math.min(messages().length, start.value + 2 * STEP)
      await nextTick()
    }
    return content.value?.querySelector<HTMLElement>(`[data-message="${id}"]`) ?? undefined
  }

  /** Whoever is at the end stays there, whatever grows or shrinks. */
  function stay(): void {
    if (atEnd.value && scroller.value) scroller.value.scrollTop = scroller.value.scrollHeight
  }

  const sizes = new ResizeObserver(() => {
    stay()
    // A page that is not full has nothing to scroll by.
    const box = scroller.value
    if (box && box.scrollHeight <= box.clientHeight + NEAR) moveUp()
  })
  onMounted(() => {
    for (const element of [scroller.value, content.value]) if (element) sizes.observe(element)
    stay()
  })
  onUnmounted(() => sizes.disconnect())

  return { start, end, atEnd, scrolled, toEnd, toMessage }
}
