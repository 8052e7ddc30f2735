export function ExampleAi() {
  return <h1>ExampleAi</h1>;
}
