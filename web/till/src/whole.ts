// What is loaded behind the first screen.

export { Screens } from "./screens.tsx";
export { openSession } from "./session.ts";
