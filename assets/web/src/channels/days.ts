/** How the times of a conversation are told. */

const time = new Intl.DateTimeFormat('en-GB', { timeStyle: 'short' })
const thisYear = new Intl.DateTimeFormat('en-GB', { weekday: 'long', day: 'numeric', month: 'long' })
const otherYear = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long' })

export function timeOfDay(at: string): string {
  return time.format(new Date(at))
}

/** What tells one day from another, where the reader is. */
export function dayOf(at: string): string {
  return new Date(at).toDateString()
}

/** "Today", "Yesterday", "Monday 23 November". */
export function dayName(at: string, now: number): string {
  const day = dayOf(at)
  const today = new Date(now)
  if (day === today.toDateString()) return 'Today'
  today.setDate(today.getDate() - 1)
  if (day === today.toDateString()) return 'Yesterday'
  const date = new Date(at)
  const near = date.getFullYear() === new Date(now).getFullYear()
  return (near ? thisYear : otherYear).format(date).replace(',', '')
}
