// How much room the bar at the top must leave: the status line, and WeChat's capsule at the right.

export interface BarRoom {
  top: number;
  right: number;
}

export function barRoom(): BarRoom {
  // #ifdef MP-WEIXIN
  const { statusBarHeight = 20, windowWidth } = uni.getWindowInfo();
  const capsule = uni.getMenuButtonBoundingClientRect();
  return { top: statusBarHeight, right: windowWidth - capsule.left + 8 };
  // #endif
  // #ifndef MP-WEIXIN
  return { top: 0, right: 16 };
  // #endif
}
