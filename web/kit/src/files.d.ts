declare module "*.wasm" {
  /** Where the file lies. */
  const address: string;
  export default address;
}
