// Short sentences over the page.

export function say(sentence: string): void {
  uni.showToast({ title: sentence, icon: "none", duration: 2_500 });
}
