import { lexer, type Token, type Tokens } from 'marked'
import { type FunctionalComponent, h, type PropType, type VNodeChild } from 'vue'

/**
 * The Markdown that people and agents write: paragraphs, bold, italic, struck, code, lists, quotes,
 * headings and links. Safe by how it is made: the text is read into tokens and these become elements
 * of our own, so that nothing written is ever taken as HTML. What is not understood is shown as typed.
 */
const MarkdownText: FunctionalComponent<Props> = ({ text, plain = asIs }) =>
  h('div', { class: 'markdown' }, blocks(lexer(text, { gfm: true, breaks: true }), plain))

MarkdownText.props = { text: { type: String, required: true }, plain: Function as PropType<Plain> }
export default MarkdownText

/** What becomes of a piece of text in which there is no Markdown. */
export type Plain = (text: string) => VNodeChild

/** The words without their marks, on one line: for where a text is only hinted at. */
export function words(text: string): string {
  return read(lexer(text, { gfm: true })).replace(/\s+/g, ' ').trim()
}

function read(tokens: Token[] | undefined): string {
  const one = (token: Token): string => {
    if (token.type === 'list') return (token as Tokens.List).items.map((item) => `${read(item.tokens)} `).join('')
    if (token.type === 'space' || token.type === 'br') return ' '
    if ('tokens' in token && token.tokens) return read(token.tokens)
    return 'text' in token ? token.text : token.raw
  }
  const separate = new Set(['paragraph', 'heading', 'code', 'blockquote', 'list'])
  return (tokens ?? []).map((token) => one(token) + (separate.has(token.type) ? ' ' : '')).join('')
}

interface Props {
  text: string
  plain?: Plain
}

const asIs: Plain = (text) => text

function blocks(tokens: Token[] | undefined, plain: Plain): VNodeChild[] {
  return (tokens ?? []).map((token) => block(token, plain))
}

function block(token: Token, plain: Plain): VNodeChild {
  switch (token.type) {
    case 'space':
    case 'def':
      return undefined
    case 'paragraph':
      return h('p', inline(token.tokens, plain))
    case 'heading':
      // The page has its own headings; one in a text is no part of their order.
      return h('p', { class: 'markdown-heading' }, inline(token.tokens, plain))
    case 'code':
      // Long lines are scrolled, by keyboard as well.
      return h('pre', { tabindex: 0 }, h('code', token.text))
    case 'blockquote':
      return h('blockquote', blocks(token.tokens, plain))
    case 'list':
      return list(token as Tokens.List, plain)
    case 'hr':
      return h('hr')
    case 'checkbox':
      // It says where things stand, and cannot be ticked here.
      return token.checked ? '☑ ' : '☐ '
    case 'text':
      return token.tokens ? inline(token.tokens, plain) : plain(token.text)
    default:
      return h('p', { class: 'whitespace-pre-wrap' }, token.raw.trim())
  }
}

function list({ ordered, start, items }: Tokens.List, plain: Plain): VNodeChild {
  const rows = items.map((item) => h('li', blocks(item.tokens, plain)))
  return ordered ? h('ol', { start: start === '' ? undefined : start }, rows) : h('ul', rows)
}

function inline(tokens: Token[] | undefined, plain: Plain): VNodeChild[] {
  return (tokens ?? []).map((token) => {
    switch (token.type) {
      case 'strong':
        return h('strong', inline(token.tokens, plain))
      case 'em':
        return h('em', inline(token.tokens, plain))
      case 'del':
        return h('del', inline(token.tokens, plain))
      case 'codespan':
        return h('code', token.text)
      case 'br':
        return h('br')
      case 'link':
        return link(token as Tokens.Link, plain)
      case 'escape':
        return token.text
      case 'text':
        return token.tokens ? inline(token.tokens, plain) : plain(token.text)
      default:
        // Images and HTML among them: nothing is loaded from elsewhere.
        return token.raw
    }
  })
}

function link({ href, tokens, raw }: Tokens.Link, plain: Plain): VNodeChild {
  if (!/^(https?:\/\/|mailto:)/i.test(href)) return raw
  return h('a', { href, target: '_blank', rel: 'noopener noreferrer nofollow' }, inline(tokens, plain))
}
