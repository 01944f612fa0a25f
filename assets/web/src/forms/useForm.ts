import { nextTick, reactive, ref, useTemplateRef } from 'vue'
import { asSentence, once, Problem } from '@/api'

export type FieldErrors<Field extends string> = Partial<Record<Field, string>>

/**
 * A form that is being filled in: what is wrong with which field, what is wrong with the whole,
 * and whether it is on its way. Its `<form>` has the template ref `form`. `codes` names the field
 * that a refusal without details is about.
 */
export function useForm<Field extends string>(
  fields: readonly Field[],
  codes: Readonly<Record<string, Field>> = {},
) {
  const form = useTemplateRef<HTMLFormElement>('form')
  const errors = reactive<Partial<Record<string, string>>>({})
  const alert = ref('')
  const busy = ref(false)

  /** Sends the form unless a field is wrong already, and puts each refusal where it belongs. */
  async function submit(found: FieldErrors<Field>, send: () => Promise<void>): Promise<void> {
    if (busy.value) return
    show(found, '')
    if (Object.keys(found).length > 0) return focusFirstError()
    busy.value = true
    try {
      await send()
    } catch (cause) {
      const problem = Problem.from(cause)
      const about = codes[problem.code]
      const found = about ? { [about]: problem.message } : problem.fields
      const known = fields.some((field) => field in found)
      show(found, known ? '' : withDetails(problem))
      await focusFirstError()
    } finally {
      busy.value = false
    }
  }

  function show(found: Readonly<Partial<Record<string, string>>>, message: string): void {
    for (const field of fields) {
      const error = found[field]
      errors[field] = error && asSentence(error)
    }
    alert.value = message
  }

  async function focusFirstError(): Promise<void> {
    await nextTick()
    form.value?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus()
  }

  return { errors, alert, busy, submit, once: once() }
}

/** What the server says of fields that this form does not have. */
function withDetails({ message, fields }: Problem): string {
  const details = Object.entries(fields).map(([field, text]) => `\`${field}\`: ${text}`)
  return [message, ...details].join(' ')
}
