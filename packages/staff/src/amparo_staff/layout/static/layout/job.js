// Makes the page of a job live. Without it the page is loaded anew every five seconds.
const box = document.getElementById("job");
const bar = document.getElementById("job-progress");
const words = document.getElementById("job-words");
const stream = new EventSource(box.dataset.events);
stream.onmessage = (event) => {
  const told = JSON.parse(event.data);
  if (told.ended) {
    stream.close();
    location.reload();
    return;
  }
  if (told.total) {
    bar.max = told.total;
    bar.value = told.done;
  }
  if (words.textContent !== told.words) words.textContent = told.words;
};
