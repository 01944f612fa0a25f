export type Direction = 'up' | 'down' | 'left' | 'right'

const arrows: Record<string, Direction> = {
  ArrowUp: 'up',
  ArrowDown: 'down',
  ArrowLeft: 'left',
  ArrowRight: 'right',
}

/** Where a card is sent by a key: Alt and an arrow. */
export function directionOf(event: KeyboardEvent): Direction | undefined {
  const { altKey, ctrlKey, metaKey, shiftKey } = event
  return altKey && !ctrlKey && !metaKey && !shiftKey ? arrows[event.key] : undefined
}
