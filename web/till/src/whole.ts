// What is loaded behind the first screen.

export { openSession } from "./session.ts";
export { Screens } from "./screens.tsx";
export { Scanner } from "@amparo/kit/scan.tsx";
