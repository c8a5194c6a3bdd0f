/** Markup as tagged templates: what is put in is text, never HTML. And a component that is drawn again only when it must. */
import { Component, h } from "preact";
import htm from "htm";

/** @typedef {import("preact").ComponentChild} Child */

/** @type {(strings: TemplateStringsArray, ...values: unknown[]) => Child} */
export const html = /** @type {never} */ (htm.bind(h));

/**
 * Drawn again when one of its properties is another than before.
 * @template {object} Props
 * @param {(props: Props) => Child} draw
 */
export function drawnOnChange(draw) {
  return class extends Component {
    /** @param {Readonly<Record<string, unknown>>} next */
    shouldComponentUpdate(next) {
      const now = /** @type {Readonly<Record<string, unknown>>} */ (this.props);
      return Object.keys(next).some((key) => next[key] !== now[key]);
    }
    render() {
      return draw(/** @type {Props} */ (this.props));
    }
  };
}
