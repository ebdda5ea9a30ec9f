// WeChat asks for this component when tabs are our own; the bar itself is drawn by src/shell/TabBar.vue.
Component({});
