// Code and style from everywhere but the package, tried on a page of the extension. Whatever gets through leaves a mark
// on the page's body.
((window) => {
  const { document } = window;
  const { body } = document;
  const refused = [];
  document.addEventListener("securitypolicyviolation", (event) => refused.push(event.effectiveDirective));
  const attempt = (name, act) => {
    try {
      act();
    } catch {
      refused.push(name);
    }
  };
  const add = (tag, set) => {
    const element = document.createElement(tag);
    set(element);
    body.append(element);
    return element;
  };
  const mark = (name) => `document.body.dataset.${name} = 1`;
  attempt("inline", () =>
    add("script", (script) => {
      script.textContent = mark("inline");
    }),
  );
  attempt("remote", () =>
    add("script", (script) => {
      script.src = "SITE/remote.js";
    }),
  );
  attempt("data", () =>
    add("script", (script) => {
      script.src = `data:text/javascript,${mark("data")}`;
    }),
  );
  // Later: what a driver runs by itself, the browser lets evaluate.
  window.setTimeout(() => {
    attempt("timer", () => window.setTimeout(mark("timer")));
    attempt("function", () => window.Function(mark("function"))());
  });
  attempt("handler", () => add("b", (b) => b.setAttribute("onclick", mark("handler"))).click());
  attempt("address", () =>
    add("a", (a) => {
      a.href = `javascript:${mark("address")}`;
    }).click(),
  );
  attempt("markup", () => {
    add("p", () => {}).innerHTML = `<img src=x onerror="${mark("markup")}">`;
  });
  attempt("worker", () => new window.Worker("SITE/remote.js"));
  attempt("style", () =>
    add("style", (style) => {
      style.textContent = "body { --inline: 1 }";
    }),
  );
  attempt("sheet", () => add("link", (link) => Object.assign(link, { rel: "stylesheet", href: "SITE/remote.css" })));
  attempt("attribute", () =>
    add("i", (i) => {
      i.id = "styled";
      i.setAttribute("style", "--attribute: 1");
    }),
  );
  attempt("image", () =>
    add("img", (img) => {
      img.src = "SITE/remote.png";
    }),
  );
  attempt("frame", () =>
    add("iframe", (frame) => {
      frame.src = "SITE/owner.html";
    }),
  );
  const value = (element, name) => window.getComputedStyle(element).getPropertyValue(name);
  window.setTimeout(() => {
    const through = Object.keys({ ...body.dataset }).filter((name) =>
      /^(inline|remote|data|timer|function|handler|address|markup)$/.test(name),
    );
    for (const name of ["--inline", "--remote"]) if (value(body, name)) through.push(name);
    if (value(document.getElementById("styled"), "--attribute")) through.push("--attribute");
    body.dataset.verdict = JSON.stringify([through, refused]);
  }, 1500);
})(document.defaultView);
