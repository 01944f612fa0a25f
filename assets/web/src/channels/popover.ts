/** Shows a popover below a button, or above it where the window ends, and focuses its first button. */
export function showBeside(popover: HTMLElement, button: HTMLElement): void {
  popover.showPopover()
  requestAnimationFrame(() => {
    const at = button.getBoundingClientRect()
    const { offsetHeight, offsetWidth, style } = popover
    const fits = at.bottom + offsetHeight <= innerHeight
    style.top = `${Math.max(8, fits ? at.bottom : at.top - offsetHeight)}px`
    style.left = `${Math.min(Math.max(8, at.right - offsetWidth), innerWidth - offsetWidth - 8)}px`
    popover.querySelector('button')?.focus()
  })
}
