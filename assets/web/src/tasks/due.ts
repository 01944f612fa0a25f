import type { Task } from '@/api/types'

const words = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeZone: 'UTC' })

/** The day in words: `31 Jan 2026`. Days have no time zone. */
export function dayInWords(day: string): string {
  return words.format(new Date(`${day}T00:00:00Z`))
}

/** Whether an unfinished task should have been complete before today, as the reader's calendar has it. */
export function isOverdue({ due_on, status }: Task, now: Date): boolean {
  if (!due_on || status === 'complete') return false
  const pad = (number: number) => String(number).padStart(2, '0')
  const today = `${now.getFullYear()}-${pad(now.getMonth() + 1)}-${pad(now.getDate())}`
  return due_on < today
}
