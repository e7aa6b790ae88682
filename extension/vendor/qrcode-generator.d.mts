/** The part of qrcode-generator 2.0.4 (MIT, Kazuhiko Arase) that is used; the packer puts the module itself beside this file. */
export interface QRCode {
  addData(data: string, mode?: "Numeric" | "Alphanumeric" | "Byte"): void;
  make(): void;
  getModuleCount(): number;
  isDark(row: number, column: number): boolean;
}
export declare const qrcode: (type: number, level: "L" | "M" | "Q" | "H") => QRCode;
