import {
  draggable,
  dropTargetForElements,
} from '@atlaskit/pragmatic-drag-and-drop/element/adapter'
import { onUnmounted, type ShallowRef, shallowRef, watch } from 'vue'

/** What is dragged: a card of one kind. */
interface Dragged {
  kind: string
  id: string
}

type ElementRef = Readonly<ShallowRef<HTMLElement | null>>

/** Lets a card be dragged by the mouse; the answer is whether it is. */
export function useDraggable(
  card: ElementRef,
  { kind, id, may }: { kind: string; id: () => string; may: () => boolean },
) {
  const dragging = shallowRef(false)
  follow(card, (element) =>
    draggable({
      element,
      canDrag: may,
      getInitialData: () => ({ kind, id: id() }) satisfies Dragged,
      onDragStart: () => (dragging.value = true),
      onDrop: () => (dragging.value = false),
    }),
  )
  return dragging
}

/**
 * Lets cards be dropped on a column. The answer is the card that a dropped one would stand right
 * above: an id, `null` at the end of the column, `undefined` while nothing hovers over it.
 */
export function useDropColumn(
  column: ElementRef,
  { kind, onDrop }: { kind: string; onDrop: (id: string, above: string | null) => void },
) {
  const above = shallowRef<string | null>()
  follow(column, (element) =>
    dropTargetForElements({
      element,
      canDrop: ({ source }) => source.data.kind === kind,
      onDrag: ({ source, location }) => {
        above.value = nextBelow(element, location.current.input.clientY, String(source.data.id))
      },
      onDragLeave: () => (above.value = undefined),
      onDrop: ({ source, location }) => {
        above.value = undefined
        const id = String(source.data.id)
        onDrop(id, nextBelow(element, location.current.input.clientY, id))
      },
    }),
  )
  return above
}

/** The first card whose middle lies below the pointer, the dragged one left out. */
function nextBelow(column: HTMLElement, y: number, dragged: string): string | null {
  for (const card of column.querySelectorAll<HTMLElement>('[data-card]')) {
    const { card: id = '' } = card.dataset
    const { top, height } = card.getBoundingClientRect()
    if (id !== dragged && y < top + height / 2) return id
  }
  return null
}

/** Does something with an element while it is there. */
function follow(ref: ElementRef, attach: (element: HTMLElement) => () => void): void {
  let detach = () => {}
  const stop = watch(
    ref,
    (element) => {
      detach()
      detach = element ? attach(element) : () => {}
    },
    { immediate: true, flush: 'post' },
  )
  onUnmounted(() => {
    stop()
    detach()
  })
}
