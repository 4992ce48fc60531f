export const menu = ["Longjing", "Tieguanyin", "Pu'er"];
