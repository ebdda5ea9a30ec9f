function t(t){return/^1[3-9]\d{9}$/.test(t)}function n(t){return t.length<8?"密码至少 8 位":t.length>128?"密码最长 128 位":""}export{t as i,n as p};
