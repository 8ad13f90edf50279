// The page as it is now, every other second, without what somebody types in, or has unfolded and has not changed.
const parts = (where) => [...where.querySelectorAll("[data-live]")];
const told = parts(document).map((one) => one.innerHTML);
setInterval(async () => {
  const answer = await fetch(location.href).catch(() => null);
  if (!answer?.ok) return;
  const fresh = parts(new DOMParser().parseFromString(await answer.text(), "text/html")).map((one) => one.innerHTML);
  parts(document).forEach((old, place) => {
    if (fresh[place] === undefined || fresh[place] === told[place]) return;
    old.innerHTML = told[place] = fresh[place];
  });
}, 2000);
