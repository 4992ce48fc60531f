// Grams for a cup of 150 ml; seconds for the first, second and third infusion.
export const teas = [
  {
    id: "longjing", zh: "龙井", en: "Longjing", colour: "#c8cf62",
    water: 80, grams: 3, seconds: [60, 75, 105],
    noteZh: "绿茶，豆香清甜。水不可沸，以免苦涩。",
    noteEn: "Green and nutty. Boiling water would make it bitter.",
  },
  {
    id: "biluochun", zh: "碧螺春", en: "Biluochun", colour: "#a9c878",
    water: 75, grams: 3, seconds: [45, 60, 90],
    noteZh: "绿茶，花果香。先注水，后投茶。",
    noteEn: "Green and flowery. Water first, then the leaves.",
  },
  {
    id: "baihao", zh: "白毫银针", en: "Silver Needle", colour: "#e6cf8b",
    water: 85, grams: 4, seconds: [120, 150, 210],
    noteZh: "白茶，满披白毫，滋味清淡，宜慢品。",
    noteEn: "White and downy. It gives its taste slowly.",
  },
  {
    id: "tieguanyin", zh: "铁观音", en: "Tieguanyin", colour: "#d9a441",
    water: 95, grams: 6, seconds: [30, 40, 60],
    noteZh: "乌龙茶，兰花香。多泡不淡。",
    noteEn: "Oolong with a scent of orchids, good for many cups.",
  },
  {
    id: "puer", zh: "普洱", en: "Pu’er", colour: "#8d4326",
    water: 98, grams: 7, seconds: [20, 30, 45],
    noteZh: "熟茶，醇厚。先用沸水润茶。",
    noteEn: "Dark and mellow. Rinse it with boiling water first.",
  },
];
