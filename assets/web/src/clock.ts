import { ref } from 'vue'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** The time for everything that says "3 minutes ago"; moves twice a minute. */
export const now = ref(Date.now())
setInterval(() => (now.value = Date.now()), MINUTE / 2)

const ago = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'short' })
const full = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' })

export function absolute(date: Date): string {
  return full.format(date)
}

/** "now", "5 min. ago", "yesterday"; after a week the date. */
export function relative(date: Date, from: number): string {
  const passed = from - date.getTime()
  if (passed < MINUTE) return 'now'
  if (passed < HOUR) return ago.format(-Math.floor(passed / MINUTE), 'minute')
  if (passed < DAY) return ago.format(-Math.floor(passed / HOUR), 'hour')
  if (passed < 7 * DAY) return ago.format(-Math.floor(passed / DAY), 'day')
  return absolute(date)
}
