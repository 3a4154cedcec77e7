import { createContext, type ComponentChildren } from "preact";
import { useContext, useMemo, useState } from "preact/hooks";
import { renderToString } from "preact-render-to-string";
import { html } from "itty-router";

const Name = createContext("nobody");

function Greeting({ loud }: { loud?: boolean }) {
  const name = useContext(Name);
  const text = useMemo(() => (loud ? name.toUpperCase() : name), [name, loud]);
  const [count] = useState(3);
  return <p class={loud ? "loud" : undefined} data-count={count}>Hello, {text}!</p>;
}

function Frame({ children }: { children: ComponentChildren }) {
  return <main style={{ color: "red", marginTop: 4 }}>{children}</main>;
}

export function page(name: string, n: number) {
  return html(renderToString(
    <Name.Provider value={name}>
      <Frame>
        <Greeting />
        <Greeting loud />
        {n > 0 && <ul>{Array.from({ length: n }, (_, i) => <li key={i}>{i}</li>)}</ul>}
        <input disabled value={'"&"'} />
        <div dangerouslySetInnerHTML={{ __html: "<b>raw</b>" }} />
      </Frame>
    </Name.Provider>,
  ));
}
